import { Hub, type Tab, type TabMessage, type WorkerMessage } from './hub.ts'
import { Link } from './link.ts'

// The folder `api/` is next to `assets/`, the folder of this script.
const url = new URL('../api/stream', /* @vite-ignore */ import.meta.url).href

function openHub(): Hub {
  const hub = new Hub()
  hub.attach(new Link(url, { onStatus: hub.status, onSnapshot: hub.snapshot, onDelta: hub.delta }))
  return hub
}

/** For a browser without shared workers: a tab loads this script and calls this function. */
export interface AloneScope {
  sluiceConnectAlone?: (listen: (message: WorkerMessage) => void) => (message: TabMessage) => void
}

if ('document' in globalThis) {
  const scope = globalThis as AloneScope
  scope.sluiceConnectAlone = (listen) => {
    const hub = openHub()
    const tab: Tab = { post: listen }
    return (message) => hub.receive(tab, message)
  }
} else {
  const hub = openHub()
  addEventListener('connect', (event) => {
    const port = (event as MessageEvent).ports[0]
    if (port === undefined) return
    const tab: Tab = { post: (message: WorkerMessage) => port.postMessage(message) }
    port.onmessage = ({ data }: MessageEvent<TabMessage>) => hub.receive(tab, data)
    // Some browsers report a tab that closed without a message.
    port.addEventListener('close', () => hub.receive(tab, 'gone'))
  })
}
