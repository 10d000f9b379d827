// An OpenID provider that gives a token to a program: `node provider.mjs PORT`, where `oidc-provider` is installed.
// Each start has a key of its own, as after a rotation.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import Provider from "oidc-provider";

const port = process.argv[2];
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [key] },
  clients: [
    {
      client_id: "program",
      client_secret: "a-secret-of-a-test",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:service",
      getResourceServerInfo: (_, resource) => ({
        scope: "predict",
        audience: resource.replace("urn:", ""),
        accessTokenFormat: "jwt",
        accessTokenTTL: 60,
      }),
      useGrantedResource: () => false,
    },
  },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
