// A real issuer on a free port: `node issuers.js oauth2-mock-server` or `node issuers.js oidc-provider`.
// It says its URL on a line. `oauth2-mock-server` takes an algorithm on each line of its input, makes and publishes a
// key of it, and says the id; it signs with all of its keys in turn.

import { createServer } from "node:http";
import { createInterface } from "node:readline";

const AUDIENCE = "https://shop.example";
const HOST = "127.0.0.1";

const issuers = {
  async "oauth2-mock-server"() {
    const { OAuth2Server } = await import("oauth2-mock-server");
    const server = new OAuth2Server();
    await server.issuer.keys.generate("RS256");
    server.service.on("beforeTokenSigning", (token, request) => {
      const { claims = "{}" } = request.body;
      Object.assign(token.payload, { aud: AUDIENCE }, JSON.parse(claims));
    });
    await server.start(0, HOST);
    server.issuer.url = `http://${HOST}:${server.address().port}`;
    createInterface({ input: process.stdin }).on("line", async (algorithm) => {
      console.log((await server.issuer.keys.generate(algorithm)).kid);
    });
    console.log(server.issuer.url);
  },

  async "oidc-provider"() {
    const { default: Provider } = await import("oidc-provider");
    const { generateKeyPair, exportJWK } = await import("jose");
    const algorithms = ["RS256", "ES256", "EdDSA"];
    const keys = await Promise.all(
      algorithms.map(async (alg) => {
        const { privateKey } = await generateKeyPair(alg, { extractable: true });
        return { ...(await exportJWK(privateKey)), kid: alg, use: "sig", alg };
      }),
    );
    const server = createServer();
    await new Promise((ready) => server.listen(0, HOST, ready));
    const url = `http://${HOST}:${server.address().port}`;
    const provider = new Provider(url, {
      jwks: { keys },
      clients: algorithms.map((alg) => ({
        client_id: `clerk of ${alg}`.replaceAll(" ", "-"),
        client_secret: "a secret of the client",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      })),
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context, _resource, client) => ({
            audience: AUDIENCE,
            scope: "staff",
            accessTokenTTL: 600,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg: client.clientId.split("-").at(-1) } },
          }),
        },
      },
    });
    server.on("request", provider.callback());
    console.log(url);
  },
};

await issuers[process.argv[2]]();
