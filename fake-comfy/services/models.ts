/** The model files that the services ask for, by the input that names them. No such file is read. */
export const SERVICE_MODELS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  UNETLoader: { unet_name: ["wan2.2_ti2v_5B_fp16.safetensors"] },
  CLIPLoader: { clip_name: ["umt5_xxl_fp8_e4m3fn_scaled.safetensors"] },
  VAELoader: { vae_name: ["wan2.2_vae.safetensors"] },
  LoraLoaderModelOnly: { lora_name: ["Wan2_2_5B_FastWanFullAttn_lora_rank_128_bf16.safetensors"] },
};
