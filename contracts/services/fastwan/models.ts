/** The files that FastWan's graph loads: 18.8 GB in all. */
import type { ServiceModel } from "../service.ts";

const REPACKAGED = {
  repo: "Comfy-Org/Wan_2.2_ComfyUI_Repackaged",
  revision: "fb1388adc906ab39ffc26ee40e96b22886b56bc4",
} as const;

export const DIFFUSION_MODEL: ServiceModel = {
  ...REPACKAGED,
  name: "wan2.2_ti2v_5B_fp16.safetensors",
  folder: "diffusion_models",
  path: "split_files/diffusion_models/wan2.2_ti2v_5B_fp16.safetensors",
  sizeBytes: 9_999_658_848,
  sha256: "456f901338bd9eadbded3828b819109a9b68e8a525ca5cf8d0049a69fcfeca1e",
  confidence: "multi",
};

export const TEXT_ENCODER: ServiceModel = {
  ...REPACKAGED,
  name: "umt5_xxl_fp8_e4m3fn_scaled.safetensors",
  folder: "text_encoders",
  path: "split_files/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors",
  sizeBytes: 6_735_906_897,
  sha256: "c3355d30191f1f066b26d93fba017ae9809dce6c627dda5f6a66eaa651204f68",
  confidence: "multi",
};

export const VAE: ServiceModel = {
  ...REPACKAGED,
  name: "wan2.2_vae.safetensors",
  folder: "vae",
  path: "split_files/vae/wan2.2_vae.safetensors",
  sizeBytes: 1_409_400_960,
  sha256: "e40321bd36b9709991dae2530eb4ac303dd168276980d3e9bc4b6e2b75fed156",
  confidence: "multi",
};

export const DISTILLATION_LORA: ServiceModel = {
  repo: "Kijai/WanVideo_comfy",
  revision: "8260d429d19fd7a72304cad059160b95d843913f",
  name: "Wan2_2_5B_FastWanFullAttn_lora_rank_128_bf16.safetensors",
  folder: "loras",
  path: "FastWan/Wan2_2_5B_FastWanFullAttn_lora_rank_128_bf16.safetensors",
  sizeBytes: 660_874_456,
  sha256: "79290493711b022e1c6e655d803715cd8a91a75cdb139856cad46f354e2f681c",
  confidence: "single",
};
