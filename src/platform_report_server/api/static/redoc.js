// its search runs in a worker made of text, which the page's policy does not allow
Redoc.init("/api/openapi.json", { disableSearch: true, hideDownloadButton: true }, document.getElementById("page"));
