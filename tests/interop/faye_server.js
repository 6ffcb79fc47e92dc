'use strict';

// faye's server, steered as scripted_server.js says. Usage: node faye_server.js '{"host", "port", "hold"}', the
// time in milliseconds; a session lives for twice as long. Its commands are those of cometd_server.js, but for
// disconnect, which faye does not have; events that are published at once always travel together.

const faye = require('faye');
const { count, dataOf, serve } = require('./scripted_server.js');

const options = JSON.parse(process.argv[2]);
const bayeux = new faye.NodeAdapter({ mount: '/bayeux', timeout: options.hold / 1000 });
const engine = bayeux._server._engine; // the public face has no way to end a session

const sessions = new Set(); // without the one that publishes
let denied = [];
let refusals = 0;

bayeux.addExtension({
  incoming(message, request, pass) {
    const isOurs = request === null; // publishing handshakes too
    if (!isOurs && message.channel === '/meta/subscribe' && denied.includes(message.subscription)) {
      message.error = `403:${message.subscription}:Forbidden channel`;
    }
    if (!isOurs && message.channel === '/meta/handshake' && refusals > 0) {
      refusals -= 1;
      message.version = null; // the one way to make faye refuse it without creating a session
    }
    pass(message);
  },
});

async function publishSpread(channel, data, done) {
  for (const each of data) await bayeux.getClient().publish(channel, each);
  done({});
}

const commands = {
  publish(command, done) {
    const data = dataOf(command);
    if (command.spread) return publishSpread(command.channel, data, done);
    return Promise.all(data.map((each) => bayeux.getClient().publish(command.channel, each))).then(() => done({}));
  },
  forget(command, done) {
    for (const each of [...sessions]) engine.destroyClient(each);
    done({});
  },
  deny({ channels }, done) {
    denied = channels;
    done({});
  },
  refuse({ times }, done) {
    refusals = times;
    done({});
  },
};

// Events published before the publisher has a session of its own would change their order.
bayeux.getClient().connect(() => {
  bayeux.on('handshake', (id) => {
    sessions.add(id);
    count('session');
  });
  bayeux.on('subscribe', (id, channel) => count(`subscribed ${channel}`));
  bayeux.on('disconnect', (id) => {
    sessions.delete(id);
    count('left');
  });
  serve(options, (request, response) => bayeux.handle(request, response), commands);
});
