// Spans as each server sends them, loaded before everything else (`node --require ./tracing.cjs`).
// TRACING: `off`; `packaged`, the instrumentations that OpenTelemetry's own guide installs (a SERVER span
// by instrumentation-http, a CLIENT span by instrumentation-undici); `hand`, the same two spans made by
// hand without its context propagation, which is cheaper (see features.cjs).
'use strict';
const kind = process.env.TRACING ?? 'off';

if (kind !== 'off') {
  const { NodeTracerProvider, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } = require('@opentelemetry/sdk-trace-node');
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
  const { resourceFromAttributes } = require('@opentelemetry/resources');

  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'peer' }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(Number(process.env.TRACE_RATIO)) }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${process.env.COLLECTOR}/v1/traces` }))],
  });
  provider.register();
  if (kind === 'packaged') {
    const { registerInstrumentations } = require('@opentelemetry/instrumentation');
    const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
    const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');
    registerInstrumentations({ instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()] });
  }
  process.on('SIGTERM', () => provider.shutdown().finally(() => process.exit(0)));
} else {
  process.on('SIGTERM', () => process.exit(0));
}
