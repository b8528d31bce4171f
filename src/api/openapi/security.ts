/** How a caller shows who it is. */

/** The name of the scheme in the document. */
export const apiKeyScheme = "apiKey";

export const securitySchemes = {
  [apiKeyScheme]: {
    type: "http",
    scheme: "bearer",
    description:
      "An API key, `authorization: Bearer <key>`. Each operation names the scope that the key needs. Against the sandbox, an edge without API keys takes calls from its own machine without a key.",
  },
} as const;
