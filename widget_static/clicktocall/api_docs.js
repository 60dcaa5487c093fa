/* Shows the contract of the API. Everything it asks for comes from the site itself. */
"use strict";

(() => {
  const place = document.getElementById("api");
  // Somebody who is logged in to the admin may try the API without a key; Django then wants this.
  const withCsrfToken = (request) => {
    if (!request.headers.Authorization && new URL(request.url, location).origin === location.origin) {
      request.headers[place.dataset.csrfHeader] = place.dataset.csrfToken;
    }
    return request;
  };
  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.schema,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    filter: false,
    requestInterceptor: withCsrfToken,
    persistAuthorization: false,
    validatorUrl: null, // the usual one is a stranger's
  });
})();
