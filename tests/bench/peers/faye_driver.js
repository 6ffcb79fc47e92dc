// npm `faye`, the client under jsforce, set up as jsforce sets it up. Usage and output: driver.js.

import http from 'node:http';
import faye from 'faye';
import * as driver from './driver.js';

// It uses the default agent, which before Node 19 makes a connection for each request.
http.globalAgent = new http.Agent({ keepAlive: true });

const client = new faye.Client(driver.endpoint, {});
let subscription;

client.setHeader('Authorization', driver.authorization());
client.addExtension({
  incoming(message, callback) {
    driver.position.incoming(message);
    callback(message);
  },
  outgoing(message, callback) {
    driver.position.outgoing(message);
    callback(message);
  },
});
client.addExtension({
  incoming(reply, callback) {
    if (driver.isUnauthorized(reply)) {
      driver.renewToken();
      client.setHeader('Authorization', driver.authorization());
    }
    callback(reply);
  },
});

// As jsforce does: Salesforce takes no batches of meta messages.
client._dispatcher.selectTransport('long-polling');
client._dispatcher._transport.batching = false;

function subscribe() {
  subscription = client.subscribe(driver.channel, driver.consume);
}

if (driver.hasHandlers) {
  client.addExtension({
    incoming(reply, callback) {
      // The library stops for ever on `none`.
      if (reply.advice?.reconnect === 'none') reply.advice.reconnect = 'handshake';
      if (driver.isPositionRefused(reply)) {
        driver.position.replayId = -2;
        setImmediate(() => {
          subscription.cancel();
          subscribe();
        });
      }
      callback(reply);
    },
  });
}

subscribe();
