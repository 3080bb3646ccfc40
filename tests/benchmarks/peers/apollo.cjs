// GraphQL: Apollo Server on its Fastify integration, which is the fastest of those its site lists.
'use strict';
const { ApolloServer } = require('@apollo/server');
const { ApolloServerPluginLandingPageDisabled, ApolloServerPluginUsageReportingDisabled } = require('@apollo/server/plugin/disabled');
const { fastifyApolloDrainPlugin, fastifyApolloHandler } = require('@as-integrations/fastify');
const { resolvers, typeDefs } = require('./features.cjs');
const { contextOf, front } = require('./front.cjs');

front('graphql', '/graphql', async (app, whole) => {
  const apollo = new ApolloServer({
    typeDefs, resolvers, introspection: true,
    plugins: [fastifyApolloDrainPlugin(whole), ApolloServerPluginLandingPageDisabled(), ApolloServerPluginUsageReportingDisabled()],
  });
  await apollo.start();
  app.post('/graphql', fastifyApolloHandler(apollo, { context: async (request) => contextOf(request) }));
});
