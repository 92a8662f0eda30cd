/** The store's port on any driver: one line per method, one transaction per call. */
import { addOutputs } from "./early-outputs.ts";
import * as audit from "./audit-transactions.ts";
import { getBytes } from "./asset-bytes.ts";
import { deleteAsset } from "./asset-holds.ts";
import * as assets from "./asset-transactions.ts";
import * as enrolments from "./enrolment-transactions.ts";
import * as events from "./event-transactions.ts";
import * as reads from "./job-reads.ts";
import { findSubmission, submitJob } from "./job-submit.ts";
import { listJobs } from "./job-list.ts";
import * as jobs from "./job-transitions.ts";
import * as pods from "./pod-transactions.ts";
import type { Store } from "./port.ts";
import { DEFAULT_JOB_RETENTION_MS, removeExpired } from "./retention.ts";
import * as roles from "./role-transactions.ts";
import * as system from "./system-transactions.ts";
import * as tenants from "./tenant-transactions.ts";
import { clock, type StoreDriver } from "./transaction.ts";
import * as uploads from "./upload-transactions.ts";

/** @param driver whose schema must be this build's: see `migrate.ts` */
export function createStore(driver: StoreDriver, { jobRetentionMs = DEFAULT_JOB_RETENTION_MS } = {}): Store {
  const { read, write } = driver;
  return {
    now: () => read(clock),
    close: () => driver.close(),

    schemaVersion: () => read(system.schemaVersion),
    countPods: () => read(system.countPods),

    submitJob: (job) => write(() => submitJob(job, jobRetentionMs)),
    findSubmission: (key) => read(() => findSubmission(key)),
    getJob: (id) => read(() => reads.getJob(id)),
    getSpec: (id) => read(() => reads.getSpec(id)),
    getSealedKey: (id) => read(() => reads.getSealedKey(id)),
    findFinal: (ids) => read(() => reads.findFinal(ids)),
    listJobs: (tenantId, page) => read(() => listJobs(tenantId, page, jobRetentionMs)),
    listEvents: (id, afterVer) => read(() => reads.listEvents(id, afterVer)),
    listQueue: (limit, range) => read(() => reads.listQueue(limit, range)),
    lastEventSeq: () => read(events.lastEventSeq),
    lastRemovedSeq: (tenantId) => read(() => events.lastRemovedSeq(tenantId)),
    listFeed: (input) => read(() => events.listFeed(input)),
    queuePosition: (id) => read(() => reads.queuePosition(id)),
    getNeeds: (placementKeys) => read(() => reads.getNeeds(placementKeys)),
    listLiveAttempts: (podId) => read(() => reads.listLiveAttempts(podId)),
    getAttempt: (id) => read(() => reads.getAttempt(id)),
    countUnstarted: (jobId) => read(() => reads.countUnstarted(jobId)),
    listAttempts: (jobId) => read(() => reads.listAttempts(jobId)),

    assignJob: (input) => write(() => jobs.assignJob(input)),
    startJob: (input) => write(() => jobs.startJob(input)),
    addOutputs: (input) => write(() => addOutputs(input)),
    completeJob: (input) => write(() => jobs.completeJob(input)),
    failJob: (input) => write(() => jobs.failJob(input)),
    loseAttempt: (input) => write(() => jobs.loseAttempt(input)),
    cancelJob: (input) => write(() => jobs.cancelJob(input)),
    confirmCanceled: (input) => write(() => jobs.confirmCanceled(input)),
    expireJobs: (limit) => write(() => jobs.expireJobs(limit)),

    registerPod: (input) => write(() => pods.registerPod(input)),
    claimEnrolled: (input) => write(() => pods.claimEnrolled(input)),
    getPod: (id) => read(() => pods.getPod(id)),
    listPods: (page) => read(() => pods.listPods(page)),
    listActivePods: () => read(pods.listActivePods),
    takePod: (input) => write(() => pods.takePod(input)),
    recordBeat: (input) => write(() => pods.recordBeat(input)),
    recordSilence: (input) => write(() => pods.recordSilence(input)),
    setCordon: (input) => write(() => pods.setCordon(input)),
    listCordoned: () => read(pods.listCordoned),
    listGoneAtWork: () => read(pods.listGoneAtWork),
    releasePods: (edgeId) => write(() => pods.releasePods(edgeId)),
    putObjectInfo: (input) => write(() => pods.putObjectInfo(input)),
    getObjectInfo: (sha256) => read(() => pods.getObjectInfo(sha256)),
    seeObjectInfo: (sha256) => write(() => pods.seeObjectInfo(sha256)),
    listPodBodies: () => read(pods.listPodBodies),

    enrollPods: (pods) => write(() => enrolments.enrollPods(pods)),
    getEnrolment: (id) => read(() => enrolments.getEnrolment(id)),
    findEnrolments: (by) => read(() => enrolments.findEnrolments(by)),
    expireEnrolments: (graceMs) => write(() => enrolments.expireEnrolments(graceMs)),
    removePod: (id) => write(() => enrolments.removePod(id)),

    createAsset: (asset) => write(() => uploads.createAsset(asset, jobRetentionMs)),
    createAssetOnce: (asset, key) => write(() => uploads.createAssetOnce(asset, key, jobRetentionMs)),
    findUpload: (tenantId, key) => read(() => uploads.findUpload(tenantId, key)),
    assetFromHash: (input) => write(() => uploads.assetFromHash(input, jobRetentionMs)),
    hasBlake3: async (tenantId, blake3) =>
      await read(() => assets.findBlake3(tenantId, blake3, jobRetentionMs)) !== null,
    getAsset: (tenantId, id) => read(() => assets.getAsset(tenantId, id, jobRetentionMs)),
    getOwnedAsset: (id) => read(() => assets.getOwnedAsset(id, jobRetentionMs)),
    listAssets: (tenantId, page) => read(() => assets.listAssets(tenantId, page, jobRetentionMs)),
    getAssets: (tenantId, ids) => read(() => assets.getAssets(tenantId, ids, jobRetentionMs)),
    findByPaths: (tenantId, paths) => read(() => assets.findByPaths(tenantId, paths, jobRetentionMs)),
    findHashes: (tenantId, hashes) => read(() => assets.findHashes(tenantId, hashes)),
    getAssetBytes: (tenantId, sha256) => read(() => getBytes({ tenantId, sha256 })),
    deleteAsset: (tenantId, id) => write(() => deleteAsset(tenantId, id, jobRetentionMs)),
    removeExpired: (limit) => write(() => removeExpired(limit, jobRetentionMs)),

    createTenant: (input) => write(() => tenants.createTenant(input)),
    getTenant: (id) => read(() => tenants.getTenant(id)),
    createKey: (input) => write(() => tenants.createKey(input)),
    listKeys: (page) => read(() => tenants.listKeys(page)),
    findKey: (id) => read(() => tenants.findKey(id)),
    revokeKey: (id) => write(() => tenants.revokeKey(id)),
    hasKeys: () => read(tenants.hasKeys),

    beginAct: (input) => write(() => audit.beginAct(input)),
    endAct: (input) => write(() => audit.endAct(input)),
    listAudit: (page) => read(() => audit.listAudit(page)),

    takeRole: (input) => write(() => roles.takeRole(input)),
    releaseRoles: (edgeId) => write(() => roles.releaseRoles(edgeId)),
  };
}
