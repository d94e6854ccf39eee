// A genuine webhook on its way to who reads it, and that answer on its way back.

// Such an answer has no body, not even an empty one.
const WITHOUT_BODY = [204, 205, 304];

export async function forward(to: string, request: Request, body: Uint8Array): Promise<Response> {
  const type = request.headers.get("content-type") ?? "application/octet-stream";
  const answer = await fetch(to, { method: "POST", headers: { "content-type": type }, body: body as BufferSource });
  const { status } = answer;
  return new Response(WITHOUT_BODY.includes(status) ? null : await answer.arrayBuffer(), { status });
}
