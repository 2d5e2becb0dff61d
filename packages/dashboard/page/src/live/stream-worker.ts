import { Hub, type Tab, type TabMessage, type WorkerMessage } from './hub.ts'
import { Link } from './link.ts'

// Beside this script's folder, `assets/`, is `api/`.
const url = new URL('../api/stream', /* @vite-ignore */ import.meta.url).href

function openHub(): Hub {
  const hub = new Hub()
  hub.attach(new Link(url, { onStatus: hub.status, onSnapshot: hub.snapshot, onDelta: hub.delta }))
  return hub
}

/** For a browser without shared workers: the same in a tab of its own, which loads this script and takes it from here. */
export interface AloneScope {
  sluiceConnectAlone?: (listen: (message: WorkerMessage) => void) => (message: TabMessage) => void
}

if ('document' in globalThis) {
  const scope = globalThis as AloneScope
  scope.sluiceConnectAlone = (listen) => {
    const hub = openHub()
    const tab: Tab = { post: listen }
    return (message) => hub.hear(tab, message)
  }
} else {
  const hub = openHub()
  addEventListener('connect', (event) => {
    const port = (event as MessageEvent).ports[0]
    if (port === undefined) return
    const tab: Tab = { post: (message: WorkerMessage) => port.postMessage(message) }
    port.onmessage = ({ data }: MessageEvent<TabMessage>) => hub.hear(tab, data)
    // A tab that ended without a word, where the browser tells.
    port.addEventListener('close', () => hub.hear(tab, 'gone'))
  })
}
