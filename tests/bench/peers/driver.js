// What the drivers of the other clients share. Each is run as bench_peers runs it:
//   node DRIVER PORT CHANNEL WARM_UP EVENTS [handlers]
// It receives until it is killed. With EVENTS 0 it prints a line for each event, {"replay_id":…}; otherwise a
// line after WARM_UP events and after each further EVENTS: what they cost.
// `handlers` adds what Salesforce's guide leaves to the application: to begin again after `reconnect: none`
// and to choose another position where the old one is refused.

const [port, channelName, warmUpText, eventsText, word] = process.argv.slice(2);
const [warmUp, events] = [Number(warmUpText), Number(eventsText)];

export const endpoint = `http://127.0.0.1:${port}/cometd/62.0`;
export const channel = channelName;
export const hasHandlers = word === 'handlers';

// `token-1`, then `token-2`: what the server takes next when it refuses one.
let token = 1;
export const authorization = () => `Bearer token-${token}`;
export function renewToken() {
  token += 1;
}

const reasonOf = (reply) => reply.ext?.sfdc?.failureReason ?? reply.error ?? '';
export const isUnauthorized = (reply) => reply.successful === false && reasonOf(reply).startsWith('401');
export const isPositionRefused = (reply) =>
  reply.channel === '/meta/subscribe' && reply.successful === false && reasonOf(reply).includes('replayId');

// The replay extension as everybody writes it after Salesforce's sample: it remembers the last id that came.
export const position = {
  replayId: -2,
  isOffered: false,
  incoming(message) {
    if (message.channel === '/meta/handshake') {
      if (message.ext?.replay === true) this.isOffered = true;
    } else if (message.channel === channel && message.data?.event?.replayId) {
      this.replayId = message.data.event.replayId;
    }
  },
  outgoing(message) {
    if (message.channel !== '/meta/subscribe' || !this.isOffered) return;
    message.ext = { ...message.ext, replay: { [channel]: this.replayId } };
  },
};

function cpuMicroseconds() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function makeMeter() {
  let count = 0;
  let lastId = 0;
  let misplaced = 0;
  let begin = 0;
  return (data) => {
    const id = data.event.replayId;
    if (lastId !== 0 && id !== lastId + 1) misplaced += 1;
    lastId = id;
    count += 1;
    if (count < warmUp || (count - warmUp) % events !== 0) return;
    const now = cpuMicroseconds();
    console.log(JSON.stringify({ cpu_microseconds: now - begin, misplaced }));
    begin = cpuMicroseconds();
  };
}

const follow = (data) => console.log(JSON.stringify({ replay_id: data.event.replayId }));

// Takes the data of each event.
export const consume = events === 0 ? follow : makeMeter();
