import type { Alert, MonitoringAndAutoScalingEngine } from '@sluice/core'
import type { AlertsPage, TimelineEntry } from '../protocol/alerts.ts'

const MAX_ENTRIES = 300
const MAX_EACH = 150

/** What happened, and why? `null`: the monitor is off. */
export async function alertsPage(monitor: MonitoringAndAutoScalingEngine | undefined): Promise<AlertsPage | null> {
  if (monitor === undefined) return null
  const active = monitor.getActiveAlerts(MAX_EACH)
  const entries: TimelineEntry[] = [
    ...active.flatMap(entriesOf),
    ...monitor.getResolvedAlerts(MAX_EACH).flatMap(entriesOf),
    ...monitor.getScalingHistory(MAX_EACH).map((event) => ({ kind: 'scaling', at: event.timestamp, event }) as const),
    ...monitor.getScalingSkips(MAX_EACH).map((skip) => ({ kind: 'skip', at: skip.timestamp, skip }) as const),
  ]
  const { scaling } = await monitor.getPerformanceReport()
  return {
    health: monitor.getSystemHealth().status,
    active,
    timeline: entries.sort((a, b) => b.at - a.at).slice(0, MAX_ENTRIES),
    policies: monitor.getScalingPolicies(),
    recommendations: monitor.getScalingRecommendations(),
    cost: scaling.cost ?? null,
  }
}

function entriesOf(alert: Alert): TimelineEntry[] {
  const { raisedAt, acknowledgedAt, resolvedAt } = alert
  const of = (change: 'raised' | 'acknowledged' | 'resolved', at: number | undefined): TimelineEntry[] =>
    at === undefined ? [] : [{ kind: 'alert', at, change, alert }]
  return [...of('raised', raisedAt), ...of('acknowledged', acknowledgedAt), ...of('resolved', resolvedAt)]
}
