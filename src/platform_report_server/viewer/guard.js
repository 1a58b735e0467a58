// What is drawn from a trace is a page of somebody else: it has no way out of the viewer.
{
  const policy = "default-src 'self' data: blob: http: https: 'unsafe-inline' 'unsafe-eval'; connect-src 'none'; "
    + "worker-src 'none'; object-src 'none'; frame-src 'self' blob:; form-action 'none'; frame-ancestors 'self'";
  const respondWith = FetchEvent.prototype.respondWith;
  FetchEvent.prototype.respondWith = function (answer) {
    respondWith.call(this, Promise.resolve(answer).then((response) => {
      if (response.type !== "default") return response;  // a file of the viewer itself
      const headers = new Headers(response.headers);
      headers.append("content-security-policy", policy);
      headers.set("x-content-type-options", "nosniff");
      return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
    }));
  };
}
