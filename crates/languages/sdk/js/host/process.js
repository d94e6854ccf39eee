// The programs that the operator lets a component run.

export { run } from "airssys:component/process@0.1.0";
