/* Shows the contract of the API. Everything it asks for comes from the site itself. */
"use strict";

(() => {
  const place = document.getElementById("api");
  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.schema,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    filter: false,
    persistAuthorization: false,
    validatorUrl: null, // the usual one is a stranger's
  });
})();
