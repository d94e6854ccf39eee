// Unit tests of a component without a host: `node --test`.

import type { Asked, Context, Definition, Input, Metadatum, Output, Saved } from "./index.js";

/** Starts a component as a deployment does. What `init` throws is thrown here. */
export function start(
  component: Definition<any, any>,
  options?: { config?: object; saved?: unknown; savedBy?: string },
): Promise<Started>;

export interface Started {
  /** One call. What the component throws is thrown here. */
  call(
    body: string | Uint8Array | Input,
    options?: { contentType?: string; metadata?: Metadatum[]; context?: ConstructorParameters<typeof Context>[0] },
  ): Promise<Output>;
  saved(): Promise<Saved>;
  health(): Promise<void>;
  shutdown(): Promise<void>;
  asks(): Asked[];
}
