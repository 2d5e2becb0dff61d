import { type FirstView, firstViewId } from '../../../src/protocol/index.ts'

/** What came with the page itself; taken once, so that it is not held twice. */
export function takeFirstView(): FirstView | undefined {
  const element = document.getElementById(firstViewId)
  if (element === null) return undefined
  element.remove()
  return JSON.parse(element.textContent ?? '') as FirstView
}
