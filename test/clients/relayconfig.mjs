// The configuration that makes the program serve two public examples written
// for Node: Socket.IO's get-started chat and its whiteboard. The last lines are
// for the suite: old clients, and a chat whose users are not missed for long.
export const relayYAML = `
relay:
  namespaces:
    /:
      chat message: {to: all}
    /whiteboard:
      drawing: {to: others}

allow-eio3: true
chat:
  leave-grace: 300ms
`;
