// Webhooks in, genuine ones on: the service checks each one's signature and age before anyone reads it.

import { settings } from "#airssys";
import { forward } from "./forward";
import { check, type Claim } from "./signature";

const LARGEST_BODY = 1024 * 1024;

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== "POST") return refusal(405, "webhooks are sent by POST", { allow: "POST" });
    const body = new Uint8Array(await request.arrayBuffer());
    if (body.length > LARGEST_BODY) return refusal(413, "the webhook is larger than 1 MiB");
    const secret = settings.get("secret") ?? "";
    if (secret === "") return refusal(503, "no secret is configured");
    const why = check(claimOf(request, body), { secret, toleranceSeconds: tolerance(), nowSeconds: Date.now() / 1000 });
    if (why !== undefined) {
      console.warn("refused: %s", why);
      return refusal(401, why);
    }
    const to = settings.get("forward_to") ?? "";
    return to === "" ? Response.json({ genuine: true }) : forward(to, request, body);
  },
};

function claimOf({ headers }: Request, body: Uint8Array): Claim {
  return { timestamp: headers.get("x-timestamp") ?? "", signatures: headers.get("x-signature") ?? "", body };
}

function tolerance(): number {
  const seconds = Number(settings.get("tolerance_seconds") ?? 300);
  // What can't be read lets nothing through.
  return Number.isFinite(seconds) ? seconds : 0;
}

function refusal(status: number, reason: string, headers: Record<string, string> = {}): Response {
  return Response.json({ genuine: false, reason }, { status, headers });
}
