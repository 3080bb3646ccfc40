// k6: calls that arrive at a constant rate, whatever the server does; each with its own idempotency key.
// The first seconds, in which its virtual users and their connections come to be, count for nothing.
import http from 'k6/http';
import exec from 'k6/execution';

const rate = Number(__ENV.RATE);
const users = Number(__ENV.USERS);
const warm = Number(__ENV.WARM_SECONDS);
const arriving = { executor: 'constant-arrival-rate', rate, timeUnit: '1s', preAllocatedVUs: users, maxVUs: users };
export const options = {
  scenarios: {
    warm: { ...arriving, duration: `${warm}s`, gracefulStop: '0s' },
    calls: { ...arriving, duration: `${__ENV.SECONDS}s`, startTime: `${warm}s` },
  },
  // What could not be asked in time is a failure of the measurement: no figure may hide it.
  thresholds: {
    'dropped_iterations{scenario:calls}': ['count==0'],
    'http_req_failed{scenario:calls}': ['rate==0'],
    'http_req_duration{scenario:calls}': ['max>=0'],
    'http_reqs{scenario:calls}': ['count>=0'],
  },
  summaryTrendStats: ['med', 'p(99)', 'max'],
  discardResponseBodies: true,
  noConnectionReuse: false,
};
const body = JSON.stringify({ caller: { number: '1234567', type: 'LINE' }, callee: { number: '2125551234' } });

export default function () {
  const headers = {
    'Content-Type': 'application/json',
    Authorization: `Bearer ${__ENV.KEY}`,
    'Idempotency-Key': `${__ENV.RUN}${exec.scenario.name}-${exec.scenario.iterationInTest}`,
  };
  http.post(__ENV.URL, body, { headers });
}

export function handleSummary({ metrics }) {
  const of = (name) => metrics[`${name}{scenario:calls}`].values;
  const took = of('http_req_duration');
  return {
    stdout: JSON.stringify({
      p50_ms: took.med, p99_ms: took['p(99)'], requests: of('http_reqs').count,
      dropped: of('dropped_iterations').count, failed: of('http_req_failed').rate,
    }),
  };
}
