import { useEffect, useRef } from 'preact/hooks'
import { live, status } from '../live/live.ts'
import { AlertsPage } from '../pages/alerts-page.tsx'
import { CachePage } from '../pages/cache-page.tsx'
import { FindingsPage } from '../pages/findings-page.tsx'
import { JobsPage } from '../pages/jobs-page.tsx'
import { MetricsPage } from '../pages/metrics-page.tsx'
import { NodesPage } from '../pages/nodes-page.tsx'
import { NowPage } from '../pages/now-page.tsx'
import { QueriesPage } from '../pages/queries-page.tsx'
import { RequestPage } from '../pages/request-page.tsx'
import { RequestsPage } from '../pages/requests-page.tsx'
import { announced, Toasts } from '../parts/messages.tsx'
import { Empty } from '../parts/section-view.tsx'
import type { PageName } from '../route/place.ts'
import { place, title } from '../route/router.ts'
import { HelpDialog } from './help-dialog.tsx'
import { Navigation } from './navigation.tsx'
import { TopBar } from './top-bar.tsx'

const views: Readonly<Record<PageName, () => preact.JSX.Element | null>> = {
  now: NowPage,
  requests: RequestsPage,
  findings: FindingsPage,
  queries: QueriesPage,
  cache: CachePage,
  nodes: NodesPage,
  jobs: JobsPage,
  metrics: MetricsPage,
  alerts: AlertsPage,
}

export function App() {
  const { page, id } = place.value
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${title.value} · ${live.value?.process.name ?? 'Sluice'}`
    // Keyboard users continue at the start of the page, and a screen reader reads its title.
    if (!isFirst.current) main.current?.focus({ preventScroll: true })
    isFirst.current = false
  }, [page, id])
  const isRefused = status.value.kind === 'refused'
  const View = views[page]
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <TopBar />
      <div class="frame">
        <Navigation />
        <main id="main" class="main" ref={main} tabIndex={-1}>
          {id === undefined && <h1>{title.value}</h1>}
          {isRefused ? <Refused /> : id !== undefined ? <RequestPage key={id} id={id} /> : <View />}
        </main>
      </div>
      <Toasts />
      <HelpDialog />
      <div class="hidden-visually" role="status" aria-live="polite">
        {announced.value}
      </div>
    </>
  )
}

function Refused() {
  const reason = status.value.kind === 'refused' ? status.value.reason : ''
  return (
    <Empty title="Access denied">
      <p>{reason}</p>
      <p>Open the URL that the app printed at startup, or ask its operator for access.</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        Try again
      </button>
    </Empty>
  )
}
