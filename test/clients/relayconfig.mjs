// The configuration that makes the program serve two public examples written
// for Node: Socket.IO's get-started chat and its whiteboard. The rest is
// for the suite: rooms with a history, old clients, and a chat whose users are not missed for long.
export const relayYAML = `
relay:
  namespaces:
    /:
      chat message: {to: all}
    /whiteboard:
      drawing: {to: others}
    /kept:
      join: {do: join}
      say: {to: room-in-arg-0, as: msg}
  recovery:
    /kept: 2m
history:
  namespaces:
    /kept:
      "*": {}

allow-eio3: true
chat:
  leave-grace: 300ms
`;
