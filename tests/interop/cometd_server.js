'use strict';

// The CometD project's own server for Node.js, steered as scripted_server.js says.
// Usage: node cometd_server.js '{"host", "port", "hold", "maxInterval", "acknowledges"}', times in milliseconds.
// Its commands:
//   publish     {channel, data | prefix, first, count; batch | spread}  in one response, or each in a turn of its own
//   forget      {}               as if every session had expired
//   deny        {channels}       refuses subscriptions to them
//   refuse      {times}          refuses the next handshakes
//   disconnect  {channel, data}  delivers these and ends every session, in one response

const cometd = require('cometd-nodejs-server');
const acknowledgement = require('cometd-nodejs-server/ack-extension');
const { count, dataOf, serve } = require('./scripted_server.js');

const options = JSON.parse(process.argv[2]);
const sweepPeriod = 50; // expires sessions soon after their time
const bayeux = cometd.createCometDServer({
  timeout: options.hold,
  maxInterval: options.maxInterval,
  sweepPeriod,
});
if (options.acknowledges) bayeux.addExtension(new acknowledgement.AcknowledgedMessagesExtension());

const sessions = new Set();
let denied = [];
let refusals = 0;

bayeux.policy = {
  canHandshake(session, message, decide) {
    const isRefused = refusals > 0;
    if (isRefused) refusals -= 1;
    decide(undefined, !isRefused);
  },
  canSubscribe: (session, message, channel, decide) => decide(undefined, !denied.includes(channel.name)),
};
bayeux.addListener('sessionAdded', (session) => {
  sessions.add(session);
  count('session');
});
bayeux.addListener('sessionRemoved', (session) => {
  sessions.delete(session);
  count('left');
});
bayeux.addListener('subscribed', (channel) => count(`subscribed ${channel.name}`));

function publishSpread(channel, data, next, done) {
  if (next === data.length) return done({});
  bayeux.createServerChannel(channel).publish(null, data[next]);
  return setImmediate(publishSpread, channel, data, next + 1, done);
}

const commands = {
  publish(command, done) {
    const data = dataOf(command);
    if (command.spread) return publishSpread(command.channel, data, 0, done);
    const all = () => data.forEach((each) => bayeux.createServerChannel(command.channel).publish(null, each));
    const inBatches = (inner, session) => () => session.batch(inner);
    [...sessions].reduce(command.batch ? inBatches : (inner) => inner, all)();
    return done({});
  },
  forget(command, done) {
    for (const each of [...sessions]) {
      // What the server's own sweep does with a session whose time is over.
      if (each._scheduler) each._scheduler.cancel();
      bayeux._removeServerSession(each, true);
    }
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
  disconnect({ channel, data }, done) {
    for (const each of [...sessions]) {
      each.batch(() => {
        data.forEach((one) => each.deliver(null, channel, one));
        each.disconnect();
      });
    }
    done({});
  },
};

serve(options, bayeux.handle, commands);
