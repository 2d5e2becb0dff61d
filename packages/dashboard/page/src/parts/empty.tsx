import type { ComponentChildren } from 'preact'

/** What stands in the place of something that is not there: one sentence, and what to do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <div class="empty-more">{children}</div>}
    </div>
  )
}
