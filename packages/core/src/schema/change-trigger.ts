/** The name of the triggers that report changes, and of the function that they call. They write nothing. */
export const CHANGE_TRIGGER = 'sluice_notify_change'
