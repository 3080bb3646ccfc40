// REST: Fastify with its schema validation and compiled serialisation.
'use strict';
const { ERRORS, callInput, callOutput, placeCall, problem } = require('./features.cjs');
const { front } = require('./front.cjs');

front('rest', '/v1/calls', async (app) => {
  app.setErrorHandler((error, request, reply) => {
    const code = error.validation ? 'INVALID_INPUT' : undefined;
    if (code === undefined) return reply.code(error.statusCode ?? 500).send({ message: error.message });
    request.exchange.outcome = 'invalid_input';
    const problems = error.validation.map((e) => ({ pointer: e.instancePath, detail: e.message }));
    return reply.code(422).type('application/problem+json').send({ ...problem(code, request.exchange), problems });
  });
  app.post('/v1/calls', { schema: { body: callInput, response: { 201: callOutput, 202: callOutput } } }, async (request, reply) => {
    const { exchange } = request;
    const result = await placeCall(exchange.tenant, request.headers['idempotency-key'], request.body, exchange);
    if (result.replayed) reply.header('idempotent-replayed', 'true');
    if (result.code !== undefined) {
      return reply.code(ERRORS[result.code][0]).type('application/problem+json').send(problem(result.code, exchange));
    }
    return reply.code(result.call.reference === null ? 202 : 201).send(result.call);
  });
});
