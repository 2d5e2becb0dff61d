import { describe, expect, it } from 'vitest'
import { metricsFormat } from '../../src/operations/create-metrics-handler.ts'

describe('metricsFormat', () => {
  it.each([
    [undefined, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html, */*;q=0.8', 'prometheus'],
    ['application/json', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version="1.0.0"; charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text; version=0.0.1', 'prometheus'],
    ['application/openmetrics-text; version=2.0.0, text/plain', 'prometheus'],
    ['application/openmetrics-text; q=0', 'prometheus'],
    ['application/openmetrics-text; q=0.5, text/plain; q=0.9', 'prometheus'],
    ['application/openmetrics-text; q=0.5, text/plain; version=0.0.4; q=0.4', 'openmetrics'],
    ['application/openmetrics-text; q=0.5, text/*; q=0.9', 'prometheus'],
    ['application/openmetrics-text; q=0.5, text/plain; q=0.1, text/*; q=0.9', 'openmetrics'],
    ['application/openmetrics-text; q=0.5, */*; q=0.9', 'openmetrics'],
    // The headers of Prometheus 2.45 and 3.4.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    ['text/plain;version=0.0.4;q=1,*/*;q=0.1', 'prometheus'],
  ])('returns for the Accept header %j the format %s', (accept, format) => {
    expect(metricsFormat(accept)).toBe(format)
  })
})
