// The same call as text: the GraphQL document and variables, and curl lines for both doors.

/** What the console itself sends through GraphQL. Two members differ in nullability, hence the aliases. */
export const DOCUMENT = `mutation MakeCall($input: MakeCallInput!) {
  makeCall(input: $input) {
    __typename
    ... on CallRequested { call { ...whole } replayed }
    ... on CallTranslated { upstreamRequest { method path query body } }
    ... on CallError { code message retryable callState requestId }
    ... on InvalidCallInput { problems { pointer code detail } }
    ... on CallNotPermitted { problems { pointer code detail } }
    ... on CallQuotaExceeded { violatedPolicies quotaRetryAfterSeconds: retryAfterSeconds }
    ... on CallUpstreamUnavailable { retryAfterSeconds }
    ... on CallIdempotencyConflict { retryAfterSeconds }
    ... on CallOutcomeUnknown { unknownCall: call { ...whole } }
  }
}

fragment whole on Call {
  id status requestedAt settledAt clientReference callerNumber calleeNumber code
  reference { machine server callId }
}`;

const pretty = (value) => JSON.stringify(value, null, 2);
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const lines = (parts) => parts.join(' \\\n  ');

/** The body of a GraphQL request for the call. */
export function graphqlBody(input, key) {
  return { query: DOCUMENT, variables: { input: key ? { ...input, idempotencyKey: key } : input } };
}

/** {document, variables, curlGraphql, curlRest} of an input; the API key reads $KEY. */
export function snippets(origin, input, key) {
  const authorization = '-H "Authorization: Bearer $KEY"';
  const json = "-H 'Content-Type: application/json'";
  const idempotency = key ? [`-H ${quoted(`Idempotency-Key: ${key}`)}`] : [];
  const body = graphqlBody(input, key);
  const compact = { ...body, query: DOCUMENT.replace(/\s+/g, ' ') };
  return {
    document: DOCUMENT,
    variables: pretty(body.variables),
    curlGraphql: lines([`curl -i ${origin}/graphql`, authorization, json, `-d ${quoted(JSON.stringify(compact))}`]),
    curlRest: lines([`curl -i ${origin}/v1/calls`, authorization, json, ...idempotency, `-d ${quoted(pretty(input))}`]),
  };
}
