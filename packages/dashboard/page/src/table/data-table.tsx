import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { count, plural } from '../format.ts'
import { Icon } from '../parts/icon.tsx'
import { shown } from '../parts/labels.tsx'
import { nextOrder, sortRows } from './row-order.ts'

export interface Column<T> {
  readonly id: string
  readonly title: string
  /** Description of the column, as a tooltip. */
  readonly hint?: string
  readonly isNumber?: boolean
  /**
   * Priority: 1 is always shown, 2 and 3 are hidden in narrow windows. The opened row shows everything.
   * @defaultValue 1
   */
  readonly rank?: 1 | 2 | 3
  /** Sort key. If omitted, the column cannot be sorted. */
  readonly by?: (row: T) => string | number | null
  /** A number is shown as a whole number. */
  readonly cell: (row: T) => ComponentChildren
}

/** The fields of a row that contain numbers. */
type NumberField<T> = { [K in keyof T]: T[K] extends number | null ? K : never }[keyof T] & string

/** A column of numbers, sorted by them. Without `show`, they are shown as whole numbers. */
export function numberColumn<T>(
  id: NumberField<T>,
  title: string,
  {
    show = (value) => value,
    ...column
  }: Pick<Column<T>, 'hint' | 'rank'> & {
    readonly show?: (value: number | undefined, row: T) => ComponentChildren
  } = {},
): Column<T> {
  const by = (row: T) => row[id] as number | null
  return { ...column, id, title, isNumber: true, by, cell: (row) => show(by(row) ?? undefined, row) }
}

export interface DataTableProps<T> {
  readonly label: string
  readonly rows: readonly T[]
  readonly idOf: (row: T) => string
  readonly columns: readonly Column<T>[]
  /** If omitted, rows keep the given order. */
  readonly sort?: {
    readonly by: string
    readonly isUp: boolean
    readonly onSort: (by: string, isUp: boolean) => void
  }
  /** Identifies the filters. When it changes, all rows are updated immediately. */
  readonly view?: string
  /** ID of the opened row, which shows details below itself; `''` if none is open. */
  readonly opened?: string
  readonly onOpen?: (id: string | undefined) => void
  readonly detail?: (row: T) => ComponentChildren
  /** URL of a row that links to another page. */
  readonly href?: (row: T) => string | undefined
  readonly toneOf?: (row: T) => 'bad' | undefined
}

/** Rows per page of a table, which limits the number of elements on the screen. */
const PAGE_ROWS = 50

/** A table whose rows do not move while the pointer is on it. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { label, rows, idOf, columns, sort, view = '', opened = '', detail } = props
  const [isPointed, setPointed] = useState(false)
  const [hasFocus, setFocus] = useState(false)
  const [page, setPage] = useState(0)
  const stored = useRef<{ view: string; ids: readonly string[]; rows: Map<string, T> }>({
    view: '',
    ids: [],
    rows: new Map(),
  })
  const [, redraw] = useState(0)

  const column = columns.find(({ id }) => id === sort?.by)
  const sorted = column?.by === undefined ? rows : sortRows(rows, column.by, sort?.isUp ?? false)
  const wholeView = `${view}|${sort?.by}|${sort?.isUp}`
  const isOther = stored.current.view !== wholeView
  const isHeld = !isOther && (isPointed || hasFocus || opened !== '')
  const order = nextOrder(stored.current.ids, sorted.map(idOf), isHeld)
  const current = new Map(rows.map((row) => [idOf(row), row]))
  // A removed row is shown with its last data until rows can move again.
  const shown = new Map(
    order.ids.flatMap((id) => {
      const row = current.get(id) ?? stored.current.rows.get(id)
      return row === undefined ? [] : [[id, row] as const]
    }),
  )
  stored.current = { view: wholeView, ids: order.ids, rows: shown }

  const pages = Math.max(1, Math.ceil(order.ids.length / PAGE_ROWS))
  const openedAt = order.ids.indexOf(opened)
  const shownPage = Math.min(isOther && openedAt >= 0 ? Math.floor(openedAt / PAGE_ROWS) : page, pages - 1)
  if (shownPage !== page) setPage(shownPage)
  const ids = order.ids.slice(shownPage * PAGE_ROWS, (shownPage + 1) * PAGE_ROWS)

  const showNew = () => {
    stored.current = { ...stored.current, view: '\0' }
    setPage(0)
    redraw((count) => count + 1)
  }

  return (
    <div class="table-wrap">
      <table class="table" onPointerEnter={() => setPointed(true)} onPointerLeave={() => setPointed(false)}>
        <caption class="hidden-visually">{label}</caption>
        <thead>
          <tr>
            {columns.map((one) => (
              <HeadCell
                key={one.id}
                column={one}
                sort={sort}
                fresh={one === columns[0] ? order.waiting : 0}
                onFresh={showNew}
              />
            ))}
          </tr>
        </thead>
        <tbody
          onFocusIn={() => setFocus(true)}
          onFocusOut={(event) => setFocus(event.currentTarget.contains(event.relatedTarget as Node | null))}
        >
          {ids.map((id) => {
            const row = shown.get(id)
            return row === undefined ? null : (
              <BodyRow key={id} id={id} row={row} isRemoved={!current.has(id)} table={props} />
            )
          })}
        </tbody>
      </table>
      {pages > 1 && (
        <nav class="pager" aria-label={`Pages of ${label}`}>
          <button
            type="button"
            class="button"
            disabled={shownPage === 0}
            onClick={() => setPage(shownPage - 1)}
          >
            Previous
          </button>
          <span>{`${shownPage * PAGE_ROWS + 1}–${shownPage * PAGE_ROWS + ids.length} of ${plural(order.ids.length, 'row')}`}</span>
          <button
            type="button"
            class="button"
            disabled={shownPage === pages - 1}
            onClick={() => setPage(shownPage + 1)}
          >
            Next
          </button>
        </nav>
      )}
      {opened !== '' && detail !== undefined && openedAt === -1 && rows.length > 0 && (
        <p class="note muted">The opened item is no longer in this list.</p>
      )}
    </div>
  )
}

function classOf<T>({ isNumber = false, rank = 1 }: Column<T>): string {
  return `${isNumber ? 'number ' : ''}rank-${rank}`
}

interface HeadCellProps<T> {
  readonly column: Column<T>
  readonly sort: DataTableProps<T>['sort']
  /** Number of rows that wait to be shown. */
  readonly fresh: number
  readonly onFresh: () => void
}

function HeadCell<T>({ column, sort, fresh, onFresh }: HeadCellProps<T>) {
  const { id, title, hint, by, isNumber = false } = column
  const news = fresh > 0 && (
    <button type="button" class="button button-new" onClick={onFresh}>
      <Icon name="up" />
      {`${count(fresh)} new`}
    </button>
  )
  if (by === undefined || sort === undefined) {
    return (
      <th scope="col" class={classOf(column)} title={hint}>
        {title}
        {news}
      </th>
    )
  }
  const isSorted = sort.by === id
  return (
    <th
      scope="col"
      class={classOf(column)}
      aria-sort={isSorted ? (sort.isUp ? 'ascending' : 'descending') : undefined}
      title={hint}
    >
      <button type="button" class="sort" onClick={() => sort.onSort(id, isSorted ? !sort.isUp : !isNumber)}>
        {title}
        <Icon name={isSorted && sort.isUp ? 'up' : 'down'} class={isSorted ? 'sort-on' : 'sort-off'} />
      </button>
      {news}
    </th>
  )
}

function BodyRow<T>({
  id,
  row,
  isRemoved,
  table,
}: {
  id: string
  row: T
  isRemoved: boolean
  table: DataTableProps<T>
}) {
  const { columns, opened, onOpen, detail, href, toneOf } = table
  const isOpened = opened === id
  const link = href?.(row)
  const isActive = link !== undefined || (detail !== undefined && onOpen !== undefined)
  const open = () => {
    if (link !== undefined) location.hash = link
    else onOpen?.(isOpened ? undefined : id)
  }
  const first = columns[0]
  const className =
    `${isActive ? 'active ' : ''}${isOpened ? 'opened ' : ''}${isRemoved ? 'gone ' : ''}${toneOf?.(row) ?? ''}`.trim()
  const onClick = (event: MouseEvent) => {
    const isOwn =
      event.target instanceof Element && event.target.closest('a, button, input, select, pre') !== null
    // Selecting text to copy it must not open the row.
    if (isActive && !isOwn && getSelection()?.isCollapsed !== false) open()
  }
  return (
    <>
      <tr class={className === '' ? undefined : className} onClick={onClick}>
        {columns.map((column) => {
          const content = shown(column.cell(row))
          if (column !== first)
            return (
              <td key={column.id} class={classOf(column)}>
                {content}
              </td>
            )
          return (
            <th key={column.id} scope="row" class={classOf(column)}>
              {link !== undefined ? (
                <a class="row-link" href={link} data-step="">
                  {content}
                </a>
              ) : isActive ? (
                <button type="button" class="row-open" aria-expanded={isOpened} data-step="" onClick={open}>
                  <Icon name="chevron" class="turn" />
                  {content}
                </button>
              ) : (
                content
              )}
            </th>
          )
        })}
      </tr>
      {isOpened && detail !== undefined && (
        <tr class="detail">
          <td colSpan={columns.length}>{detail(row)}</td>
        </tr>
      )}
    </>
  )
}
