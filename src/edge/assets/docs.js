/** Shows /openapi.json in Swagger UI. A page to read: no request is sent from it, so it asks for no API key. */
const nothing = () => () => null;

SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#document",
  deepLinking: true,
  supportedSubmitMethods: [],
  // Swagger's own service would be sent the address of the document otherwise.
  validatorUrl: null,
  plugins: [{ wrapComponents: { authorizeBtn: nothing, authorizeOperationBtn: nothing } }],
});
