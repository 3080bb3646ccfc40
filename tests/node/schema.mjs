// Reads SDL from standard input, builds and validates it with graphql-js, and prints what is in it.
import { readFileSync } from 'node:fs';
import { buildSchema, isUnionType, validateSchema } from 'graphql';

const schema = buildSchema(readFileSync(0, 'utf8'));
const faults = validateSchema(schema).map(({ message }) => message);
const unions = Object.values(schema.getTypeMap())
  .filter(isUnionType)
  .map((union) => [union.name, union.getTypes().map(({ name }) => name)]);
console.log(JSON.stringify({ faults, unions: Object.fromEntries(unions) }));
