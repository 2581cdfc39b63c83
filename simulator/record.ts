/** A fault that the simulator, or the method before it, found in Istio Canary. */
export type FoundFault = {
  readonly what: string;
  /** One that shows it where its mend is taken back, or was not made yet. Undefined: no seed is known. */
  readonly seed: number | undefined;
  /** The commit that mended it. Undefined: none did yet. */
  readonly mended: string | undefined;
};

/** What stands here was found by playing; seeds are those of this version: where something else is drawn, a seed is another story. */
export const foundFaults: readonly FoundFault[] = [
  {
    what: "One look that failed made a stage blind for a minute, and ended a good release",
    seed: 742,
    mended: "a5ac090",
  },
  {
    what: "A renewal of the lock whose answer was lost made the job stop, and leave the canary's weight",
    seed: 141,
    mended: "bd19c3d",
  },
  { what: "`rollback` by hand lost against the job, and both stopped", seed: 1570, mended: "9019f2b" },
  {
    what: "A weight that was under way landed after somebody's rollback, and nobody saw it",
    // With fences and versions of objects taken back, none of the 97 below 40,000 that could show it does any more.
    seed: undefined,
    mended: "9019f2b",
  },
  {
    what: "`settled` was true after it had been false; without a journal there was nothing to do",
    seed: 65,
    mended: "61fa532",
  },
  { what: "Two replicas of Prometheus behind one address held every good release", seed: 57, mended: "a0ade57" },
  { what: "NaN passed a gate, and a bad version was promoted", seed: 553, mended: "bad694f" },
  { what: "Pods were retired while the route still sent requests to them", seed: 977, mended: "7166096" },
  {
    what: "A stage was passed, and all was said to be settled, while requests reached nobody, because somebody had deleted the DestinationRule",
    seed: 202,
    mended: "48014f3",
  },
  {
    what: "A promoted canary that lost all its pods kept the traffic, although stable's pods were still there",
    seed: 440,
    mended: "48014f3",
  },
  {
    what: "A canary forty times as slow as stable was promoted, where stable's requests all fell between two edges of the histogram",
    seed: 838,
    mended: "71e9b57",
  },
  {
    what: "A slow canary was promoted, because Prometheus gave no counts through the warm-up and nothing was left to compare response times by",
    seed: 2598,
    mended: "cc58f1a",
  },
  { what: "Another image than the one that was judged was promoted", seed: 3559, mended: "7a39346" },
  { what: "A release whose outcome could not be saved never ended", seed: 84, mended: "a5ac090" },
  {
    what: "A cache before the API server answered with an older VirtualService, and a rollback took it for done and the pods away",
    seed: 2002,
    mended: "8822435",
  },
  {
    what: "`undo` went back to the image that served when the release began, though somebody had given stable another one since",
    seed: 3517,
    mended: "df1d6ae",
  },
  { what: "An answer without JSON ended `rollback` and `release` by a defect", seed: undefined, mended: "bd19c3d" },
  { what: "Two jobs of one run both got the lock", seed: undefined, mended: "bd19c3d" },
  {
    what: "Figures that are no numbers made a journal that its own program could not read, and `rollback` was refused",
    seed: undefined,
    mended: "bad694f",
  },
];
