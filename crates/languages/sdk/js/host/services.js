// The other services of the node.

export { call, invoke } from "airssys:component/services@0.1.0";
