import type { TabMessage, WorkerMessage } from './hub.ts'
import type { AloneScope } from './stream-worker.ts'
import workerUrl from './stream-worker.ts?sharedworker&url'

/** Returns a URL of the app's API, relative to the page. */
export const apiUrl = (path: string): string => new URL(`api/${path}`, document.baseURI.split('#', 1)[0]).href

interface TrustedScripts {
  readonly trustedTypes?: {
    createPolicy(
      name: string,
      rules: { createScriptURL(text: string): string },
    ): { createScriptURL(text: string): string }
  }
}

/**
 * Receives the stream of the app: through the shared worker of this browser, or if there is none, through a
 * stream of this tab.
 *
 * @returns A function that reports the state of the tab.
 */
export function connect(listen: (message: WorkerMessage) => void): (message: TabMessage) => void {
  const worker = startWorker()
  if (worker === undefined) return connectAlone(listen)
  worker.port.onmessage = ({ data }: MessageEvent<WorkerMessage>) => listen(data)
  return (message) => worker.port.postMessage(message)
}

function startWorker(): SharedWorker | undefined {
  if (typeof SharedWorker === 'undefined') return undefined
  try {
    // The trusted-types policy accepts no strings as script URLs. This URL comes from the build of the page.
    const policy = (globalThis as TrustedScripts).trustedTypes?.createPolicy('sluice', {
      createScriptURL: () => workerUrl,
    })
    return new SharedWorker(policy?.createScriptURL('') ?? workerUrl, { type: 'module', name: 'sluice' })
  } catch {
    // Private windows and embedded browsers can refuse a shared worker.
    return undefined
  }
}

/** Buffers messages until the code of the stream is loaded. */
function connectAlone(listen: (message: WorkerMessage) => void): (message: TabMessage) => void {
  const sent: TabMessage[] = []
  let send = (message: TabMessage): void => void sent.push(message)
  import(/* @vite-ignore */ workerUrl).then(() => {
    send = (globalThis as AloneScope).sluiceConnectAlone?.(listen) ?? send
    for (const message of sent.splice(0)) send(message)
  })
  return (message) => send(message)
}
