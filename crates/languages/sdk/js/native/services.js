// In tests there is no other service.

const none = (service) => {
  const val = `no service \`${service}\` is on this node`;
  throw Object.assign(new Error(val), { payload: { tag: "not-found", val } });
};

export { none as call, none as invoke };
