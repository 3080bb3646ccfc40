// A real OpenID provider on a port of its own. Prints one JSON line when it listens: {"issuer"}.
// Tokens: client_credentials for a resource, RFC 9068 JWTs. POST /rotate replaces the signing keys.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";

import Provider from "oidc-provider";

const RESOURCE = "https://gateway.example.com";

let generation = 0;

function newKeys() {
  generation += 1;
  const pairs = {
    RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  };
  return Object.entries(pairs).map(([alg, { privateKey }]) => ({
    ...privateKey.export({ format: "jwk" }),
    alg,
    use: "sig",
    kid: `${alg}-${generation}`,
  }));
}

function client(clientId, tenant, alg) {
  return {
    client_id: clientId,
    client_secret: "secret-of-the-test-client",
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    "urn:tenant": tenant,
    "urn:alg": alg,
  };
}

function provider(issuer) {
  return new Provider(issuer, {
    jwks: { keys: newKeys() },
    clients: [client("crm", "acme", "RS256"), client("dialer", "globex", "ES256"), client("lost", "initech", "RS256")],
    extraClientMetadata: { properties: ["urn:tenant", "urn:alg"] },
    scopes: ["calls:make", "calls:read"],
    ttl: { ClientCredentials: 600 },
    extraTokenClaims: (_ctx, token) => ({ tenant: token.client["urn:tenant"] }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource, asking) => ({
          scope: "calls:make calls:read",
          audience: resource === RESOURCE ? "gateway" : resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: asking["urn:alg"] } },
        }),
      },
    },
  });
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let handle = provider(issuer).callback();
  server.on("request", (request, response) => {
    if (request.method === "POST" && request.url === "/rotate") {
      handle = provider(issuer).callback();
      response.end();
    } else {
      handle(request, response);
    }
  });
  console.log(JSON.stringify({ issuer }));
});
// Its parent holds standard input open; with the parent it ends.
process.stdin.on("end", () => process.exit(0)).resume();
