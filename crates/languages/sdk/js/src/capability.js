// What a component asks the operator for, each with the reason that the operator reads.

const asked = (tag, val, reason) => ({ capability: { tag, val }, reason });

export const fileRead = (path, reason) => asked("file-read", path, reason);
export const fileWrite = (path, reason) => asked("file-write", path, reason);
export const networkOutbound = (host, reason) => asked("network-outbound", host, reason);
export const environment = (name, reason) => asked("environment", name, reason);
