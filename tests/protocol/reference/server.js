// Serves Diptych's schema with the reference server of graphql-ws; prints its port once it listens.
import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const never = new Promise(() => {});

const roots = {
  mutation: { registerCustomer: ({ input }) => ({ customer: { name: input.name }, errors: [] }) },
  subscription: {
    async *readModelUpdates() {
      yield { readModelUpdates: { __typename: 'Heartbeat', cursor: '1' } };
      await never;
    },
    productUpdated: () => never,
  },
};

const schema = buildSchema(readFileSync(process.argv[2], 'utf8'));
const connectionInitWaitTimeout = Number(process.argv[3]);
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/graphql', maxPayload: 1_000_000 });
useServer({ schema, roots, connectionInitWaitTimeout }, server);
server.on('listening', () => console.log(server.address().port));
