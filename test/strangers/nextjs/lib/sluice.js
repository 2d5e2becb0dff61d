import { createConsoleReport, createSluice } from '@sluice/core'

function make() {
  globalThis.sluices = (globalThis.sluices ?? 0) + 1
  const sluice = createSluice({ cache: false, prefetch: false })
  sluice.on('finding', createConsoleReport())
  globalThis.scopes = []
  sluice.on('scope', ({ name }) => globalThis.scopes.push(name))
  return sluice
}

// One for the process, because bundles and hot reloads evaluate this file again.
globalThis.sluice ??= make()

export const sluice = globalThis.sluice
