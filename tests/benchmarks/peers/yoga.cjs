// GraphQL: Yoga on Node's own server, with its caches (on by default) and graphql-jit.
'use strict';
const { createServer } = require('node:http');
const { createSchema, createYoga } = require('graphql-yoga');
const { useGraphQlJit } = require('@envelop/graphql-jit');
const { authenticate, begin, finish, problem, registry, resolvers, typeDefs } = require('./features.cjs');

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  plugins: [useGraphQlJit()],
  context: ({ req }) => ({ tenant: req.exchange.tenant, key: req.headers['idempotency-key'], exchange: req.exchange }),
  logging: false, graphiql: false, landingPage: false, cors: false, multipart: false,
});

createServer((request, response) => {
  if (request.url === '/metrics') {
    registry.metrics().then((text) => response.setHeader('content-type', registry.contentType).end(text));
    return;
  }
  const exchange = begin('graphql', request.method, '/graphql');
  request.exchange = exchange;
  response.on('finish', () => finish(exchange, response.statusCode));
  exchange.tenant = authenticate(request.headers.authorization);
  if (exchange.tenant === undefined) {
    exchange.outcome = 'unauthenticated';
    response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Bearer' });
    response.end(JSON.stringify(problem('UNAUTHENTICATED', exchange)));
    return;
  }
  yoga(request, response);
}).listen(Number(process.env.PORT), '127.0.0.1');
