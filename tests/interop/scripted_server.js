'use strict';

// What the servers of the interoperability tests have in common: an HTTP server that hands Bayeux requests to
// the one under test, and a control path by which the test steers it and learns what came.
//
// POST /control with a JSON object whose `do` names a command is answered with a JSON object:
//   counts     {}            how often each thing was counted
//   wait       {for, count}  answered once `for` was counted `count` times
//   authorize  {value}       what the Authorization header must be; otherwise the answer is 401
//   fault      {on, times}   spoils the next `times` requests (1) whose first message is of the channel `on`, by
//     status, type, body       an answer that the server under test knows nothing of,
//     cut                      a connection that is cut without an answer,
//     hold                     no answer for ever,
//     forget                   a session that is forgotten just before the server sees the request
// and what the server under test adds: publish, forget, deny, refuse, disconnect.

const http = require('http');
const { Readable } = require('stream');

const counts = new Map();
const waits = [];
const faults = [];
const openConnects = new Map(); // by client: connects without an answer
let authorization = null;
// faye looks for queued events in a later turn: what is unanswered for so long is held. Milliseconds.
const heldAfter = 20;

function count(what) {
  counts.set(what, (counts.get(what) || 0) + 1);
  for (const each of waits.slice()) {
    if ((counts.get(each.for) || 0) < each.count) continue;
    waits.splice(waits.indexOf(each), 1);
    each.done({});
  }
}

const commonCommands = {
  counts: (command, done) => done(Object.fromEntries(counts)),
  wait(command, done) {
    if ((counts.get(command.for) || 0) >= command.count) done({});
    else waits.push({ for: command.for, count: command.count, done });
  },
  authorize(command, done) {
    authorization = command.value;
    done({});
  },
  fault(command, done) {
    faults.push({ times: 1, ...command });
    done({});
  },
};

function takeFault(channel) {
  const found = faults.find((each) => each.on === channel);
  if (!found) return null;
  found.times -= 1;
  if (found.times === 0) faults.splice(faults.indexOf(found), 1);
  return found;
}

/// True where nothing is left to do for the request.
function spoil(fault, commands, response) {
  count(`fault ${fault.on}`);
  if (fault.forget) {
    commands.forget({}, () => {});
    return false;
  }
  if (fault.cut) response.socket.destroy();
  else if (!fault.hold) {
    if (fault.type) response.setHeader('Content-Type', fault.type);
    response.statusCode = fault.status;
    response.end(fault.body || '');
  }
  return true;
}

function watchConnect(message, response) {
  const open = openConnects.get(message.clientId) || 0;
  if (open > 0) count('overlap');
  openConnects.set(message.clientId, open + 1);
  response.on('close', () => openConnects.set(message.clientId, openConnects.get(message.clientId) - 1));
  const isAnsweredAtOnce = message.advice && message.advice.timeout === 0;
  if (!isAnsweredAtOnce) setTimeout(() => response.writableEnded || count('held'), heldAfter);
  if (message.ext && typeof message.ext.ack === 'number') count('acknowledgement');
}

function watchAnswer(response) {
  const end = response.end;
  response.end = (...parts) => {
    if (String(parts[0]).includes('multiple-clients')) count('multiple-clients');
    return end.apply(response, parts);
  };
}

function takeBayeux(request, response, body, handle, commands) {
  if (authorization !== null && request.headers.authorization !== authorization) {
    count('unauthorized');
    response.statusCode = 401;
    response.end();
    return;
  }
  const message = JSON.parse(body)[0];
  if (request.headers.cookie) count('cookie');
  count(`request ${message.channel}`);
  const fault = takeFault(message.channel);
  if (fault && spoil(fault, commands, response)) return;
  watchAnswer(response);
  if (message.channel === '/meta/connect') watchConnect(message, response);
  const { headers, method, url } = request;
  handle(Object.assign(Readable.from([Buffer.from(body)]), { headers, method, url }), response);
}

function takeCommand(response, body, commands) {
  const command = JSON.parse(body);
  commands[command.do](command, (answer) => response.end(JSON.stringify(answer)));
}

/// Starts listening on `host` and `port`, and says so on standard output. `handle(request, response)` is the
/// server under test; `ownCommands` are called with (command, done).
function serve({ host, port }, handle, ownCommands) {
  const commands = { ...commonCommands, ...ownCommands };
  const server = http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      if (request.url === '/control') takeCommand(response, body, commands);
      else takeBayeux(request, response, body, handle, commands);
    });
  });
  server.keepAliveTimeout = 60000; // no connection goes stale while a test thinks
  process.on('SIGTERM', () => process.exit(0));
  server.listen(port, host, () => console.log(`listening ${server.address().port}`));
}

/// The data of a publish command: as given, or `prefix:first` and so on.
function dataOf({ data, prefix, first, count: size }) {
  return data || Array.from({ length: size }, (_, i) => `${prefix}:${first + i}`);
}

module.exports = { count, dataOf, serve };
