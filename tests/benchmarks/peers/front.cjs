// The Fastify that carries the REST peer, Mercurius and Apollo: authentication and telemetry in hooks.
'use strict';
const Fastify = require('fastify');
const { AJV_OPTIONS, authenticate, begin, finish, problem, registry } = require('./features.cjs');

/** An app and its guarded part: `door` names both the route and the label. */
async function front(door, route, mount) {
  const app = Fastify({ logger: false, disableRequestLogging: true, ajv: { customOptions: AJV_OPTIONS } });
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  app.decorateRequest('exchange', null);
  await app.register(async (guarded) => {
    guarded.addHook('onRequest', (request, reply, done) => {
      const exchange = begin(door, request.method, route);
      request.exchange = exchange;
      exchange.tenant = authenticate(request.headers.authorization);
      if (exchange.tenant === undefined) {
        exchange.outcome = 'unauthenticated';
        reply.code(401).header('www-authenticate', 'Bearer').send(problem('UNAUTHENTICATED', exchange));
        return;
      }
      done();
    });
    guarded.addHook('onResponse', (request, reply, done) => {
      finish(request.exchange, reply.statusCode);
      done();
    });
    await mount(guarded, app);
  });
  await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
}

/** The GraphQL context of a request. */
const contextOf = (request) => ({
  tenant: request.exchange.tenant, key: request.headers['idempotency-key'], exchange: request.exchange,
});

module.exports = { contextOf, front };
