// k6: calls that arrive at a constant rate, whatever the server does; each with its own idempotency key.
import http from 'k6/http';
import exec from 'k6/execution';

const rate = Number(__ENV.RATE);
export const options = {
  scenarios: {
    calls: {
      executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: Number(__ENV.USERS), maxVUs: Number(__ENV.USERS),
    },
  },
  // What could not be asked in time is a failure of the measurement: no figure may hide it.
  thresholds: { dropped_iterations: ['count==0'], http_req_failed: ['rate==0'] },
  summaryTrendStats: ['med', 'p(99)', 'max'],
  discardResponseBodies: true,
  noConnectionReuse: false,
};
const body = JSON.stringify({ caller: { number: '1234567', type: 'LINE' }, callee: { number: '2125551234' } });

export default function () {
  const headers = {
    'Content-Type': 'application/json',
    Authorization: `Bearer ${__ENV.KEY}`,
    'Idempotency-Key': `${__ENV.RUN}${exec.scenario.iterationInTest}`,
  };
  http.post(__ENV.URL, body, { headers });
}

export function handleSummary(data) {
  const { http_req_duration: took, http_reqs: asked, dropped_iterations: dropped, http_req_failed: failed } = data.metrics;
  return {
    stdout: JSON.stringify({
      p50_ms: took.values.med, p99_ms: took.values['p(99)'], requests: asked.values.count,
      dropped: dropped ? dropped.values.count : 0, failed: failed.values.rate,
    }),
  };
}
