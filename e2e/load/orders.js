// What one user's machine does: enters orders around the price, signed, and cancels some of its own.
// `python -m e2e.load` writes the options and the users, and reads the lines that are logged here:
//   {"at": ms, "took": ms, "user", "client", "order", "status", "name"}   an order; `order` is empty without a 201
//   {"cancel": id, "status"}                                             a cancel; `all`: of everything of a user

import { b64decode } from 'k6/encoding';
import crypto from 'k6/crypto';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import http from 'k6/http';

const users = new SharedArray('users', () => JSON.parse(open(__ENV.LOAD_USERS)));
const base = __ENV.LOAD_URL;
const symbol = __ENV.LOAD_SYMBOL;
const price = Number(__ENV.LOAD_PRICE);
const cancels = Number(__ENV.LOAD_CANCELS);
const crossing = Number(__ENV.LOAD_CROSSING);
const run = __ENV.LOAD_RUN;
// Orders that this virtual user entered and did not cancel, whosever they are.
const entered = [];

// A session has a token; a machine signs each request.
function identity(user, method, path, body) {
  if (user.token) {
    return { authorization: `Bearer ${user.token}` };
  }
  const timestamp = String(Date.now());
  const text = ['OUTCRY1', timestamp, '5000', method, path, body].join('\n');
  return {
    'outcry-key': user.key,
    'outcry-timestamp': timestamp,
    'outcry-window': '5000',
    'outcry-signature': crypto.hmac('sha256', b64decode(user.secret), text, 'base64'),
  };
}

function send(user, method, path, body) {
  const headers = { 'content-type': 'application/json', ...identity(user, method, path, body) };
  // A connection to a pod that was killed may never say so; the gateway answers everything within 10 s.
  const how = { headers, timeout: '12s', tags: { name: `${method} ${path.split('/')[1]}` } };
  return http.request(method, base + path, body || null, how);
}

function pick(from) {
  return from[Math.floor(Math.random() * from.length)];
}

export function order() {
  if (entered.length > 0 && Math.random() < cancels) {
    const [owner, id] = entered.splice(Math.floor(Math.random() * entered.length), 1)[0];
    const answer = send(owner, 'DELETE', `/orders/${id}`, '');
    console.log(JSON.stringify({ cancel: id, status: answer.status }));
    return;
  }
  const user = pick(users);
  const client = `${run}-${exec.vu.idInTest}-${exec.vu.iterationInScenario}`;
  const side = Math.random() < 0.5 ? 'BUY' : 'SELL';
  const away = Math.random() < crossing ? -Math.ceil(Math.random() * 3) : Math.floor(Math.random() * 17);
  const ticks = Math.round(price * 100) + (side === 'BUY' ? -away : away);
  const body = JSON.stringify({
    symbol,
    side,
    type: 'LIMIT',
    timeInForce: 'GTC',
    price: (ticks / 100).toFixed(2),
    quantity: (0.001 * (1 + Math.floor(Math.random() * 9))).toFixed(3),
    clientOrderId: client,
  });
  const at = Date.now();
  const answer = send(user, 'POST', '/orders', body);
  const found = answer.status === 0 ? {} : answer.json();
  console.log(
    JSON.stringify({
      at,
      took: answer.timings.duration,
      user: user.id,
      client,
      order: answer.status === 201 || answer.status === 200 ? found.orderId : '',
      status: answer.status,
      name: found.name || '',
    }),
  );
  if (found.orderId) {
    entered.push([user, found.orderId]);
  }
}

// What was due while all virtual users waited for answers.
export function handleSummary(data) {
  const dropped = data.metrics.dropped_iterations;
  return { [__ENV.LOAD_SUMMARY]: JSON.stringify({ unsent: dropped ? dropped.values.count : 0 }) };
}

export function cancelAll() {
  const answer = send(pick(users), 'DELETE', `/orders?symbol=${symbol}`, '');
  console.log(JSON.stringify({ cancel: 'all', status: answer.status }));
}
