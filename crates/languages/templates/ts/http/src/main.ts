// An HTTP service: plain `wasi:http`, by the Request and Response of the web.

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /":
        return new Response("hello\n");
      case "POST /shout":
        return new Response((await request.text()).toUpperCase());
      default:
        return new Response("no such page\n", { status: 404 });
    }
  },
};
