import { hasCode } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { type ChangeEvent, useEffect, useId, useRef, useState } from "react";
import { t } from "../i18n";
import { wordsOf } from "../lib/errors";
import { type Chosen, choose, middleOf, NotPictureError } from "../lib/pictures";
import { Avatar } from "./avatar";
import { Button } from "./button";

/** Pixels of each side of what is shown before it is uploaded: twice the size that it has on the page. */
const PREVIEW = 128;

/** A picture and the ways to have another one, or none. */
export function PictureField(props: {
  readonly id: string;
  readonly name: string;
  readonly picture: string | null;
  /** Keeps the address of what was uploaded; an empty one takes the picture away. */
  readonly keep: (address: string) => Promise<unknown>;
}) {
  const { id, name, picture, keep } = props;
  const client = useClient();
  const [chosen, setChosen] = useState<Chosen>();
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const [error, setError] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const first = useRef<HTMLButtonElement>(null);
  const note = useId();
  useEffect(() => {
    if (chosen === undefined) return;
    return () => {
      chosen.bitmap.close();
      // What was pressed is gone; the way to choose is there again.
      first.current?.focus();
    };
  }, [chosen]);
  // Nothing is disabled meanwhile: the focus would be lost.
  const run = async (words: string, work: () => Promise<unknown>) => {
    if (isBusy) return;
    setBusy(true);
    setError("");
    setSaid(words);
    try {
      await work();
    } catch (problem) {
      setError(wordsOfPicture(problem));
    }
    setSaid("");
    setBusy(false);
  };
  const read = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    // The same file may be chosen again.
    event.target.value = "";
    if (file === undefined) return;
    void run(t("picture.reading"), async () => setChosen(await choose(file)));
  };
  const upload = ({ blob }: Chosen) =>
    run(t("picture.uploading"), async () => {
      const uploaded = await client.actions.uploadPicture(blob);
      await keep(uploaded.picture);
      setChosen(undefined);
    });
  const leave = () => {
    if (isBusy) return;
    setChosen(undefined);
    setError("");
  };
  return (
    <div className="mb-2 flex flex-col items-center gap-2">
      {chosen === undefined ? (
        <Avatar id={id} name={name} picture={picture} size="large" />
      ) : (
        <Preview bitmap={chosen.bitmap} />
      )}
      <p role="alert" id={note} className="text-center text-note text-danger empty:hidden">
        {error}
      </p>
      <p role="status" className="text-note text-text2 empty:hidden">
        {said}
      </p>
      <input
        ref={input}
        type="file"
        accept="image/*"
        tabIndex={-1}
        aria-label={t("picture.file")}
        aria-describedby={note}
        className="unseen"
        onChange={read}
      />
      <div className="flex flex-wrap justify-center gap-1">
        {chosen === undefined ? (
          <>
            <Button ref={first} kind="quiet" onClick={() => input.current?.click()}>
              {t(picture ? "picture.other" : "picture.choose")}
            </Button>
            {picture && (
              <Button
                kind="danger"
                aria-label={t("picture.remove")}
                onClick={() => void run(t("picture.removing"), () => keep(""))}
              >
                {t("picture.removeShort")}
              </Button>
            )}
          </>
        ) : (
          <>
            <Button kind="quiet" onClick={leave}>
              {t("dialog.cancel")}
            </Button>
            <Button
              kind="primary"
              // Whoever chose a picture is there to take it.
              autoFocus
              onClick={() => void upload(chosen)}
            >
              {t("picture.take")}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}

/** Drawn, because the policy of the page shows no picture that the server does not have. */
function Preview({ bitmap }: { readonly bitmap: ImageBitmap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.imageSmoothingQuality = "high";
    const [x, y, side] = middleOf(bitmap.width, bitmap.height);
    context.clearRect(0, 0, PREVIEW, PREVIEW);
    context.drawImage(bitmap, x, y, side, side, 0, 0, PREVIEW, PREVIEW);
  }, [bitmap]);
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={t("picture.preview")}
      width={PREVIEW}
      height={PREVIEW}
      className="size-16 rounded-full border border-border"
    />
  );
}

function wordsOfPicture(error: unknown): string {
  const isBad =
    error instanceof NotPictureError ||
    hasCode(error, "invalid_request") ||
    hasCode(error, "body_too_large");
  return isBad ? t("picture.bad") : wordsOf(error);
}
