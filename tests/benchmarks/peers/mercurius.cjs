// GraphQL: Mercurius with its compiler (`jit`) and its cache of parsed and validated documents.
'use strict';
const mercurius = require('mercurius');
const { resolvers, typeDefs } = require('./features.cjs');
const { contextOf, front } = require('./front.cjs');

front('graphql', '/graphql', async (app) => {
  await app.register(mercurius, { schema: typeDefs, resolvers, jit: 1, context: contextOf });
});
