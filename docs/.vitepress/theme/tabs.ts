/** The ORMs whose code the guides contain. Some groups have only the first ones. */
export const ORMS = ['Prisma', 'Knex', 'Kysely', 'Drizzle']

/**
 * Tabs that are alternatives: a choice applies to every group with the same tabs, on all pages and the next
 * visit.
 */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  orm: ORMS,
  packageManager: ['npm', 'pnpm', 'yarn'],
}

const keyOf = (choice: string) => `sluice-docs-${choice}`
const choiceOf = (label: string) => Object.keys(CHOICES).find((choice) => CHOICES[choice]?.includes(label))

// Storage throws if the browser blocks it.
function read(choice: string): string | undefined {
  try {
    return localStorage.getItem(keyOf(choice)) ?? undefined
  } catch {
    return undefined
  }
}

function store(choice: string, label: string): void {
  try {
    localStorage.setItem(keyOf(choice), label)
  } catch {}
}

/** Selects a tab in every group that has it. A click would do so as well, and scroll to each of them. */
function select(label: string): void {
  for (const tab of document.querySelectorAll<HTMLLabelElement>('.vp-code-group .tabs label')) {
    const input = tab.control
    if (tab.textContent !== label || !(input instanceof HTMLInputElement) || input.checked) continue
    input.checked = true
    const group = tab.closest('.vp-code-group')
    const at = Array.from(group?.querySelectorAll('.tabs label') ?? []).indexOf(tab)
    for (const [index, block] of Array.from(group?.querySelector('.blocks')?.children ?? []).entries())
      block.classList.toggle('active', index === at)
  }
}

/** Scrolls by the distance that an element moves: groups above it may change their height. */
function keepInPlace(element: Element | null, change: () => void): void {
  const before = element?.getBoundingClientRect().top ?? 0
  change()
  const moved = (element?.getBoundingClientRect().top ?? 0) - before
  if (moved !== 0) window.scrollBy({ top: moved, behavior: 'instant' })
}

/** Applies the stored choices to the groups of a page. */
export function selectStoredTabs(): void {
  const labels = Object.keys(CHOICES).flatMap((choice) => read(choice) ?? [])
  keepInPlace(document.getElementById(location.hash.slice(1)), () => labels.forEach(select))
}

function follow({ target }: MouseEvent): void {
  if (!(target instanceof HTMLInputElement) || !target.matches('.vp-code-group input')) return
  const label = target.labels?.[0]?.textContent ?? ''
  const choice = choiceOf(label)
  if (choice === undefined) return
  store(choice, label)
  keepInPlace(target, () => select(label))
}

/** Applies the reader's clicks to all groups of the page, and stores them. */
export function watchTabs(): void {
  // While the event goes down: the sidebar stops it on its way up.
  window.addEventListener('click', follow, { capture: true })
}
