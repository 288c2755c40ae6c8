// The notifications of the system that are shown, whichever tab showed them. They stay when pages go.

/** What goes with each. */
export interface Told {
  readonly path: string;
  /** Whom it was told. */
  readonly user_id: string;
}

/** Those that pages show by themselves are known to no worker. */
const ofThisPage = new Set<Notification>();

/**
 * By the service worker, where there is one: on phones pages may not do it themselves, and its notifications lead back also
 * when the page was closed meanwhile.
 */
export async function tell(
  title: string,
  options: NotificationOptions,
  data: Told,
  go: (path: string) => void,
): Promise<void> {
  const worker = await workerOfPage();
  if (worker?.active) return worker.showNotification(title, { ...options, data });
  try {
    const notice = new Notification(title, { ...options, data });
    ofThisPage.add(notice);
    notice.onclose = () => ofThisPage.delete(notice);
    notice.onclick = () => {
      focus();
      go(data.path);
      notice.close();
    };
  } catch {
    // A phone before the worker is there: the list and the title tell.
  }
}

/** Takes notifications away: all, or those that are meant. */
export async function untell(isMeant: (notice: Notification) => boolean = () => true) {
  const worker = await workerOfPage();
  const ofWorker = (await worker?.getNotifications().catch(() => [])) ?? [];
  for (const notice of [...ofThisPage, ...ofWorker]) if (isMeant(notice)) notice.close();
}

/** Whom a notification was told. */
export function toldTo({ data }: Notification): string | undefined {
  return (data as Told | null)?.user_id;
}

function workerOfPage(): Promise<ServiceWorkerRegistration | undefined> | undefined {
  return navigator.serviceWorker?.getRegistration().catch(() => undefined);
}
