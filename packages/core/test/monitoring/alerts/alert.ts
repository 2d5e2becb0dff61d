import type { Alert } from '../../../src/monitoring/alerts/alert-book.ts'

export function alertWith(some: Partial<Alert> = {}): Alert {
  return {
    id: 'alert-1',
    metric: 'cpu',
    source: 'a',
    severity: 'warning',
    message: 'cpu of a is 75%, above 70%',
    value: 75,
    threshold: 70,
    status: 'active',
    raisedAt: 1_000,
    updatedAt: 2_000,
    ...some,
  }
}
